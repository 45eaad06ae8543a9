"""Networks and what has to be known about them. One row per network; imported only when asked for."""
