"""The suite of options: every complaint about a configuration comes at once, by its key, and no value is shown."""

import pytest

from connectors.contract.options import with_options
from connectors.engine.process.open_destination import configure
from connectors.testkit.harness.destination import Destination, Suite
from dataflow.errors import ConfigError
from dataflow.runtime import SYSTEM

VALUE = "open-s3same"
SHARED = {"each_overwrite_is_new": VALUE, "journal_days": VALUE}


class OptionsSuite(Suite):
    """A connector's own options, and those that every connector has."""

    def test_complaints_about_shared_options_come_with_the_connectors_own(
        self, destination: Destination
    ) -> None:
        own = destination.definition.spec()["connectionSpecification"]["properties"]
        # A value of no option's type.
        wrong = {key: [VALUE] for key, schema in own.items() if schema.get("type") != "array"}

        with pytest.raises(ConfigError) as caught:
            configure(destination.definition, {**destination.options, **wrong, **SHARED}, "kit", SYSTEM)

        assert all(key in str(caught.value) for key in SHARED)
        assert not wrong or any(key in str(caught.value) for key in wrong)
        assert VALUE not in str(caught.value)

    def test_the_specification_lists_the_shared_options_after_the_connectors_own(
        self, destination: Destination
    ) -> None:
        spec = destination.definition.spec()

        listed = list(with_options(spec)["connectionSpecification"]["properties"])

        assert listed == [*spec["connectionSpecification"]["properties"], *SHARED]
