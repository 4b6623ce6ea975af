"""What tests of growth share."""

from tests.fresh import fresh as fresh
