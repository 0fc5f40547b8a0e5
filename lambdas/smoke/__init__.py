"""Checks a deployed system from outside, as its callers use it: signed requests on an account in the test currency."""
