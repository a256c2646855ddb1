"""Which of the registered services work now: looked at by the worker, told to everybody who asks."""
