"""What is needed to show, on real servers, that a rotation holds what it promises."""
