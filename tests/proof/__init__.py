"""`make proof`: a hundred rotations of each strategy under live logins, on real servers; writes docs/proof.md."""
