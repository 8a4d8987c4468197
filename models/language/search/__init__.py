"""Finding items by a text: an index of the catalogue's words beside the vectors of an encoder. No rules of HTTP."""
