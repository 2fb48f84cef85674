"""What the acts of the e-seal world change, and where each obligation is met: pure functions from the case to changes.

One module per subject, as the policies have one file. `DUTIES` of each says where its obligations are met.
"""
