"""Who may: whose signature it is, and what policies say of them."""
