"""Log-in by an OpenID Connect provider: optional, and nothing of it is loaded where no provider is set up."""
