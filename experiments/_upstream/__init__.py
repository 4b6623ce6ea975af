"""The bugs of the study `upstream`: what was reported, what was changed, and how each is asked again."""
