"""The studies, one file each: the only place where the specimen and the instrument meet."""
