"""Facts of accelerators: which node labels and resources a product needs. Data and pure functions only."""
