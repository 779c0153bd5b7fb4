"""An evening in which everything fails, and a checker that proves from its record that nothing was lost."""
