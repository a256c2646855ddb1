"""The second process: joins jobs and containers, and alone holds the engine. Only the commands import it."""
