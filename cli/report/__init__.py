"""Write the daily report of a day: report.csv and index.html."""
