"""Rating prediction: the data, the blend and what raters share; the raters are in models/raters."""
