"""Makes a checkout ready: packages, the pinned command line, templates."""
