"""Kills: commands are stopped at any moment and started again; what they leave is compared with a whole run's."""
