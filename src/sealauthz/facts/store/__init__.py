"""The write side of the facts: tables, transactions, revisions and the rules that every write keeps."""
