"""Withdrawal: a patient's opposition, carried through both zones."""
