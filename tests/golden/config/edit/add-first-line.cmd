add d
