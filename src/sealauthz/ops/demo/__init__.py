"""The demonstration: invented facts about invented people and companies, and the founding story on them.

`facts` holds the records with which the story opens; `sealing` and `retrieving` are the halves of the `story`.
`scenario` runs it over real gRPC, for the `callers` that it has, `harness` checks every answer, and
`printing` lays it out.
"""
