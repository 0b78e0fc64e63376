"""Images drawn under masks: the panel, what it draws while a mask is edited, and the gallery of variations."""
