"""A second, tiny model: documents in folders of teams. It proves that everything but the e-seal model is generic."""
