"""The monthly job: score, stage, audit, publish."""
