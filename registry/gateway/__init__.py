"""The third process (D14): the only way from a job on the dc network to the APIs that it declared."""
