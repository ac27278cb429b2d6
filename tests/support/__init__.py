"""Builders of cases and judges of answers that several test files share."""
