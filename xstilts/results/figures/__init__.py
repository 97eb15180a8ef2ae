"""The report's pictures, from plain tables to matplotlib `Figure`s.

grids      heatmaps of gains
whiskers   gains of pairs with their intervals
lines      learning curves, and scores by hidden state
style      colours, fonts, and a figure as PNG or SVG

None of them knows the store or the sweep, and none touches pyplot's global state.
"""
