"""The catalogue of packaged applications: contract, parameters, Docker repository, records. It runs nothing."""
