"""What Python programs call: a function for each job, and what it gives back. `robustpose` itself names them all."""
