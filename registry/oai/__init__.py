"""We are harvested: OAI-PMH 2.0 as a data provider (IVOA Registry Interfaces 1.1 §2). It reads the shelf, no more."""
