"""Lists of jobs on the web besides /jobs, one for each kind of job that has its own."""
