"""What the benchmarks share: newspapers to fetch, contestants, and how they are measured."""
