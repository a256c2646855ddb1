"""Where an application can run, and jobs that run there: at this datacenter or, over plain UWS 1.1, at another."""
