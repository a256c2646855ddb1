"""What lists of jobs answer when they will not do what they were asked."""
