
// Appended to a driver that leaves a module without memory.

/** Allocates all the memory that a module could still get. */
function exhaust(memory) {
  for (let pages = 65_536; pages >= 1; pages >>= 1) {
    try {
      for (;;) memory.grow(pages);
    } catch {
      // That many pages are not available.
    }
  }
}
