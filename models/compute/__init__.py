"""Threads, precision, seeds and optimizers; nothing here knows items or users."""
