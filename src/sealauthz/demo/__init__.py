"""The demonstration: invented facts about invented people and companies, and the founding story on them.

`facts` holds the records with which the story opens, `story` its chapters; `scenario` runs it over real gRPC and
`harness` checks every answer.
"""
