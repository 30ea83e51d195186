"""What computes: backbone, target model, refinement network, aggregation. No files here but weights."""
