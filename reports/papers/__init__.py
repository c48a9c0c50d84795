"""Papers of the process in the layout of GB/T 9704-2012: templates, a county's own templates, typesetting."""
