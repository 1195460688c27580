"""Checks of the policy: one file, one check (`studio.core.screening.Check`), found by its `create(settings)`.

A check allows, flags or blocks; one that cannot look says “not screened”, never “passed”. None of them needs the network.
"""
