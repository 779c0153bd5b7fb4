"""Documents into blocks: what each audience sees, in its language, as HTML or JSON."""
