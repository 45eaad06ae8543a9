"""Bench: a job is checked (job), predicted (predict), scored (scoring), written up (write_scores); run does it all."""
