"""The operations of the API, family by family: how parameters become arguments, and results become structures."""
