"""Text in, the same text with links out: where links come from, in which form they are printed, and how text comes."""
