"""Location to link: the ref, the lines, the link or the reason why there is none; and from a page to its location."""
