"""Containers: the contract of an engine, the engines that fulfil it, the sandbox, logs, results. No word of jobs."""
