"""Tables in files that other programs read and write: CSV, Excel workbooks and Parquet, told apart by the ending of the name.

Modules: `endings` (which there are, and what each needs), `book` (what can be written: one table or several, each column with
what it is counted in), `workbook` and `parquet` (these as bytes), `cells` (the rows of a file, whichever it is), `numerals`
(numbers as people write them).
"""
