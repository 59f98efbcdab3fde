"""What is expected of a night's data: the contract that a config implies, and the user's suite.

Only ``gx`` and ``data_docs`` import Great Expectations, when first called.
"""
