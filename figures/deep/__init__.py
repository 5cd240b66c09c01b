"""Figures 3, 7 and 8d: deep networks on images, and what was published of them."""
