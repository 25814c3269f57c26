"""The skeleton keeps the contract: by the very test that `dataflow new-connector` writes."""

from connectors.template.skeleton.test_contract import TestSkeleton

__all__ = ["TestSkeleton"]
