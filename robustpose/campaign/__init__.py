"""Campaigns: trainings × seeds × benches as one table, filled by the commands train and bench, one run folder each."""
