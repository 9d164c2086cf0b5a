"""The parts of a small world: what the demo, the benchmarks and the end-to-end tests start and talk to."""
